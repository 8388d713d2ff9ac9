"""The engines of one build: opened fast, with large files mapped in place of read, and shared by all threads."""

from __future__ import annotations

import math
from collections.abc import Sequence

from recmind.data.errors import WorkspaceError
from recmind.data.store.store import Store
from recmind.data.workspace import Workspace
from recmind.tools.collaborative.model import CollaborativeModel
from recmind.tools.collaborative.similarity import ItemEmbeddings
from recmind.tools.confidence.confidence import Confidence
from recmind.tools.encoders.encoder import open_encoder
from recmind.tools.engines.details import ItemDetails
from recmind.tools.engines.filter import ItemFilter
from recmind.tools.engines.history import UserHistory
from recmind.tools.engines.popular import PopularItems
from recmind.tools.engines.titles import TitleFinder
from recmind.tools.index.manifest import Manifest, check_sizes
from recmind.tools.ranking.hybrid import HybridRanker
from recmind.tools.ranking.reranker import Reranker
from recmind.tools.search.item_search import ItemSearch
from recmind.tools.search.text_index import TextIndex


class Engines:
    """All engines of one build over one store; threads may share them."""

    def __init__(
        self,
        store: Store,
        manifest: Manifest,
        search: ItemSearch,
        reranker: Reranker,
        confidence: Confidence | None,
    ) -> None:
        self._store = store
        self.manifest = manifest
        self.search = search
        self.reranker = reranker
        self.collaborative = reranker.collaborative
        self.confidence = confidence
        self.popular = PopularItems(store)
        self.history = UserHistory(store)
        self.titles = TitleFinder(store)
        self.details = ItemDetails(store)
        self.filter = ItemFilter(store, self.popular)
        self.ranker = HybridRanker(store, search, reranker, self.popular)

    def confidences(self, user_id: str | None, item_ids: Sequence[str]) -> dict[str, float]:
        """The confidence of each item where it is known, 0 to 1 (``Confidence.meaning``); empty for an unknown user."""
        if self.confidence is None or user_id is None:
            return {}
        past, values = self.history.valued(user_id, self.confidence.kind)
        numbers = self._store.items.numbers_of(item_ids)
        said = self.confidence.predict(past, values, list(numbers.values())).tolist()
        return {item_id: round(p, 4) for item_id, p in zip(numbers, said, strict=True) if not math.isnan(p)}

    @property
    def stale(self) -> bool:
        """Whether the catalogue has changed since the build.

        The engines still answer: items added since are found by their words only; items removed or made unavailable do
        not come.
        """
        return self._store.catalogue_version != self.manifest.catalogue_version


def open_engines(workspace: Workspace, store: Store) -> Engines:
    """The engines of the build in use; the large files are mapped, not read.

    Sizes of files are checked here, checksums by ``verify``.

    Args:
        workspace: where the index lies.
        store: the workspace's store.

    Raises:
        WorkspaceError: nothing has been built.
        RecMindError: the build is damaged (IndexFailed), or the settings name another encoder.
    """
    folder = workspace.current_index()
    if folder is None:
        raise WorkspaceError(
            f"Nothing has been indexed in {str(workspace.home)!r}. Run: recmind index --home {str(workspace.home)!r}"
        )
    manifest = Manifest.read(folder)
    check_sizes(folder, manifest)
    encoder = open_encoder(workspace.settings.encoder, workspace.cache)
    index = TextIndex.load(folder, store, encoder)
    reranker = Reranker.load(folder, CollaborativeModel.load(folder), ItemEmbeddings(index.numbers, index.vectors))
    return Engines(store, manifest, ItemSearch(index), reranker, Confidence.load(folder, reranker.collaborative))
