"""Line charts, heat maps and tables as HTML and SVG, for pages of the laboratory and of runs."""
