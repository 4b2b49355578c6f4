"""Trained models of the libraries that we load. No pickle is read or written."""
