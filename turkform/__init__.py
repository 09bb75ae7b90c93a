"""turkform: infrastructure as code for human tasks."""

__version__ = "0.1.0"
