"""A server that speaks OpenAI's protocol on 127.0.0.1 and answers with recorded documents, one after the other."""

from __future__ import annotations

import itertools
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DIFF = "<<<<<<< SEARCH\n{}\n=======\n{}\n>>>>>>> REPLACE"
HOTTEST = "        hottest = (weight / count).argmax(dim=1, keepdim=True)"
LIGHTEST = "        lightest = load.masked_fill(held == capacity, torch.inf).argmin(dim=1, keepdim=True)"
EDITS = {
    "without effect": (HOTTEST, f"        # the hottest\n{HOTTEST}"),
    "worse": (LIGHTEST, "        lightest = (held == capacity).long().argmin(dim=1, keepdim=True)"),
    "raises": ("    capacity = num_items // num_packs", "    capacity = num_items // num_packs\n    1 / 0"),
    "no Python": ("    return count", "    return count ("),
    "not found": ("    return counts of another program", "    return count"),
    "ambiguous": ("    num_rows, num_experts = weight.shape", "    num_rows, num_experts = tuple(weight.shape)"),
    "hostile": ("    return count", "    import os\n    os.kill(os.getppid(), 9)\n    return count"),
    "not ASCII": ("    return count", "    # größer — als ≤ \N{GREEK SMALL LETTER ALPHA}\n    return count"),
    "outside": ("    num_layers, num_slots = phy2log.shape", "    num_layers, num_slots = tuple(phy2log.shape)"),
}
"""What the documents change in the example program, by what is to be said of them."""
REPLIES = [DIFF.format(*edit) for edit in EDITS.values()]
REPLIES.insert(4, REPLIES[0].partition(">>>>>>> REPLACE")[0])  # cut off
TELLING = "<NAME>\nan_edit\n</NAME>\n<DESCRIPTION>\nwhat it does\n</DESCRIPTION>\n<DIFF>\n{}\n</DIFF>\n"


@contextmanager
def replaying(replies, told=None):
    """Answer with the replies in turn, over and over; yield the address.

    Args:
        replies: texts, or functions from the last message to a text.
        told: a list that is added what was asked.
    """
    turn, lock = itertools.cycle(replies), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                reply = next(turn)
            if told is not None:
                told.append(asked)
            text = reply(asked["messages"][-1]["content"]) if callable(reply) else reply
            choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            body = {"id": "x", "object": "chat.completion", "created": 0, "model": asked.get("model", "")}
            self._send(body | {"choices": [choice], "usage": usage})

        def do_GET(self):
            self._send({"object": "list", "data": [{"id": "fake", "object": "model"}]})

        def _send(self, body):
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
