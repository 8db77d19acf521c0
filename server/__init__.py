"""Keepstream's server. The way of an event, station by station; imports go the same way, down only.

::

  workflow ──pipe──▶ run ──▶ event log ──▶ session ──▶ subscription ──▶ WebSocket, SSE, long poll
   emits            decodes   appends                   follows          sends
   a process        runs/     eventlog/    sessions/                     web/

``runs/``      starts each workflow in a process of its own and decodes what comes down its pipe.
``eventlog/``  keeps events: durable before anyone sees them, numbered 1, 2, 3, … for each session.
``sessions/``  finds or creates a session and lets any number of subscriptions follow its log.
``web/``       lends a subscription a socket, and speaks HTTP.

``events.py`` and ``records.py`` are the words that all share; ``app.py`` alone knows everyone.
"""
