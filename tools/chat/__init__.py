"""The tools as a chat model sees them: their schemas, the final call, the call that asks back, the catalogue in words.

Of ``recmind.tools`` it alone knows LangChain and argument models of pydantic. The agent imports it.
"""
