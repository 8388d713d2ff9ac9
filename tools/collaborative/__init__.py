"""Item-to-item candidate generation: co-occurrence, content similarity and EASE in one sparse matrix.

It knows ``recmind.data`` only: item embeddings come as arrays. The engines, ranking, confidence and index import it.
"""
