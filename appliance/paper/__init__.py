"""The vault on paper: a PDF of account sheets and of a recovery sheet, and the way back from pictures of it.

Pure: values in, bytes out. `parts` is the specification of the QR codes that hold the encrypted vault; the PDF needs
the extra `paper` (reportlab). Whatever prints or reads the paper is elsewhere.
"""

from appliance.paper.facts import Broker, Entry, Origin, Recovery, Sheets
from appliance.paper.pdf import Paper, print_out

__all__ = ["Broker", "Entry", "Origin", "Paper", "Recovery", "Sheets", "print_out"]
