"""Line charts, heat maps and tables as HTML with SVG: for the laboratory's and a run's pages."""
