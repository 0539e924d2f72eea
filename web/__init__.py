"""The Flask application: accounts, API and pages."""
