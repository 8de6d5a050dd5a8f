"""Memory, threads, processes and files: what several packages need and no user calls."""
