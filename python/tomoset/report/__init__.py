"""A catalogue as one page of HTML, to be opened every morning; `Catalog.report` and ``tomoset report`` write it."""

from tomoset.report.options import NoSuchProject, ReportOptions
from tomoset.report.page import Report, make_report, save

__all__ = ["NoSuchProject", "Report", "ReportOptions", "make_report", "save"]
