"""Code that exists for speed on particular hardware; each fast path has a plain twin and a test."""
