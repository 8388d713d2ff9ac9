"""The tools as a chat model sees them: their schemas, the final call, the call that asks back, the catalogue in words.

It is the only package of ``recmind.tools`` that knows LangChain and pydantic's argument models. The agent imports it.
"""
