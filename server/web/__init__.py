"""HTTP: the only folder that knows a socket.

``listening``  the port, and what holds for every connection
``routes``     the URL table
``sessions``   sessions over HTTP, ``runs`` runs and workflows, ``health`` health and metrics
``websocket``  a session over WebSocket, ``sse`` as server-sent events; ``sink`` is what both lend
``many``       many sessions over one WebSocket
``frames``     what goes over a WebSocket, as bytes; ``messages`` what a client says there
``guard``      who may ask; ``answers`` bodies, parameters and errors
``openapi``    the description of all this
``static/``    the page and the browser client; ``page`` serves the page's files by version
"""
