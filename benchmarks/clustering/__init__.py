"""The study of clusterings: settings, their measures without labels, and their evaluation with labels."""
