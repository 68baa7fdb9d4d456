"""The one encrypted database that holds everything personal."""
