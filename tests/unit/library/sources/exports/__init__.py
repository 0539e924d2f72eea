"""Tests of what is read of exports."""
