"""A relay as many products have it: FastAPI, the OpenAI SDK, server-sent events. It keeps no log and knows no accounts.

usage: relay.py PORT BASE_URL responses|chat
"""

import json
import sys

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from openai import AsyncOpenAI
from pydantic import BaseModel

port, base_url, dialect = int(sys.argv[1]), sys.argv[2], sys.argv[3]
app = FastAPI()
client = AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0)


class Question(BaseModel):
    text: str


async def responses(text):
    async with await client.responses.create(model="stub", input=text, stream=True) as stream:
        async for event in stream:
            if event.type == "response.output_text.delta":
                yield event.delta


async def chat(text):
    messages = [{"role": "user", "content": text}]
    async with await client.chat.completions.create(model="stub", messages=messages, stream=True) as stream:
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                yield chunk.choices[0].delta.content


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.post("/ask")
async def ask(question: Question):
    async def frames():
        seq = 0
        async for piece in (responses if dialect == "responses" else chat)(question.text):
            seq += 1
            yield f"id: {seq}\nevent: message.delta\ndata: {json.dumps({'text': piece})}\n\n"
        yield f"id: {seq + 1}\nevent: run.finished\ndata: {json.dumps({'status': 'succeeded'})}\n\n"

    return StreamingResponse(frames(), media_type="text/event-stream")


uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)
