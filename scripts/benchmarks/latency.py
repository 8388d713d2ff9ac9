"""How long a person waits: a cold command against the import that it avoids, and a request to a warm process."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from benchmarks.common import latest_small, python, recmind
from recmind import RecMind

COLD_RUNS = 5
"""Number of cold commands, each with a new request, so that no cached query vector helps."""
WARM_ROUNDS = 5
USERS = range(1, 11)

REQUESTS = (
    "something like The Matrix, but funnier",
    "a western from the 60s",
    "a heist that goes wrong",
    "like Alien and Blade Runner",
    "feel-good movies for kids",
    "no horror, something scary enough for teenagers",
    "a black and white thriller before 1960",
    "romantic comedies set in Paris",
    "mind-bending science fiction with a twist ending",
    "surprise me",
    "what should I watch tonight",
    "",
    "documentaries about music",
    "war movies like Saving Private Ryan",
    "an animated film about toys",
    "slow atmospheric drama about loneliness",
    "superheroes, but not X-Men",
    "time travel",
    "courtroom dramas from the 90s",
    "a movie about chess",
)


def run(data: Path, work: Path) -> dict[str, float | int | str]:
    """Cold: medians of whole processes in seconds, taken in turns. Warm: milliseconds in a single process, over
    ``REQUESTS`` and ten users.

    - ``cold_ratio`` is ``cold_recommend_s / import_s``.
    - ``first_time``: requests in new words, by users whose history was read before.
    - ``warm``: requests in words that were searched before, by other users.

    No look-up, reply or answer of an earlier request is used (``cache=False``).
    """
    workspace = latest_small(data, work)
    home = str(workspace.home)
    recmind("index", "--home", home)
    marks = iter(range(int(time.time()), 2**40))
    imports, recommends = [], []
    python("import sentence_transformers")
    recmind("recommend", "a quiet film", "--home", home, "--json")
    for _ in range(COLD_RUNS):
        imports.append(python("import sentence_transformers")[0])
        query = f"a film about friendship in space number {next(marks)}"
        recommends.append(recmind("recommend", query, "--user", "1", "--home", home, "--json")[0])
    first: list[float] = []
    warm: list[float] = []
    with RecMind.open(home) as rec:

        def asked(words: str, user: int) -> float:
            begun = time.perf_counter()
            rec.recommend(words, user_id=str(user), cache=False)
            return 1000 * (time.perf_counter() - begun)

        for user in USERS:
            asked("anything", user)
        for number, request in enumerate(REQUESTS):
            if request:
                first.append(asked(f"{request} {next(marks)}", USERS[number % len(USERS)]))
        for number, request in enumerate(REQUESTS):
            asked(request, USERS[number % len(USERS)])
        for place in range(1, WARM_ROUNDS + 1):
            for number, request in enumerate(REQUESTS):
                warm.append(asked(request, USERS[(number + place) % len(USERS)]))
    return {
        "import_s": round(statistics.median(imports), 3),
        "cold_recommend_s": round(statistics.median(recommends), 3),
        "cold_ratio": round(statistics.median(recommends) / statistics.median(imports), 3),
        "first_time_requests": len(first),
        "first_time_p50_ms": round(statistics.median(first), 1),
        "first_time_p95_ms": round(statistics.quantiles(first, n=20)[-1], 1),
        "warm_words_searched_before_requests": len(warm),
        "warm_words_searched_before_p50_ms": round(statistics.median(warm), 1),
        "warm_words_searched_before_p95_ms": round(statistics.quantiles(warm, n=20)[-1], 1),
    }
