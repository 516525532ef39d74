"""Fans the shots of an edit out, resumes, retries and reports. The only package that knows Prefect."""
