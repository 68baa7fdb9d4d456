"""Importers: a file of an export to Documents that know who wrote each part."""
