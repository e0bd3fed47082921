"""Measures of what a search and its encoder have learned."""
