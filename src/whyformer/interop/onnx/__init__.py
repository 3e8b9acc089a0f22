"""Export models to ONNX, and run them with ONNX Runtime."""
