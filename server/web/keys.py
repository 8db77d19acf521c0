"""What handlers find in the application."""

from aiohttp import web

from server.runs import Catalogue
from server.sessions.admission import Admission
from server.sessions.hub import Hub

HUB = web.AppKey("hub", Hub)
ADMISSION = web.AppKey("admission", Admission)
CATALOGUE = web.AppKey("catalogue", Catalogue)
