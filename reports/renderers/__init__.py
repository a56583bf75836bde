"""Reports as html, xlsx, csv, json and pdf."""
