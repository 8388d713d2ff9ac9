"""Words for moods, audiences and kinds, and the words a catalogue may use for them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Sense:
    """Words with one meaning."""

    name: str
    """The plain adjective, used if the request's word is a comparative: ``funny`` for ``funnier``."""
    triggers: tuple[str, ...]
    """The request's words, normalized; comparatives need no entry of their own."""
    core: tuple[str, ...]
    """Catalogue values that mean the same; "nothing scary" leaves them out."""
    near: tuple[str, ...] = ()
    """Catalogue values that also suit a person who wishes for it."""


def _sense(name: str, triggers: str, core: str, near: str = "") -> Sense:
    def split(text: str) -> tuple[str, ...]:
        return tuple(" ".join(part.split()) for part in text.split(",") if part.strip())

    return Sense(name, (name, *split(triggers)), split(core), split(near))


MOODS = (
    _sense(
        "funny",
        "hilarious, humorous, humour, humor, comic, comedic, laugh, laughs, laughing, a good laugh, lol, amusing,"
        " goofy",
        "comedy, funny, humorous, hilarious, humor, humour, comic, comedies, laughter",
        "witty, satirical, satire, parody, slapstick, black comedy, dark comedy, funny as hell",
    ),
    _sense(
        "scary",
        "frightening, terrifying, spooky, creepy, chilling, horrifying, spine chilling, scare, scares, scared, eerie",
        "horror, scary, frightening, terrifying, creepy, spooky, eerie",
        "haunting, ghosts, haunted house",
    ),
    _sense(
        "violent",
        "violence, gory, gore, bloody, brutal, blood, bloodshed, gruesome",
        "violent, violence, gory, gore, brutal, bloody",
    ),
    _sense(
        "dark",
        "bleak, grim, gritty, noirish",
        "dark, bleak, grim, gritty",
        "film noir, noir, atmospheric, disturbing, psychological",
    ),
    _sense(
        "light",
        "lighthearted, light hearted, easygoing, easy going, breezy, undemanding, fluffy, frothy",
        "light, lighthearted, light hearted, playful, whimsical, breezy, fluffy",
        "comedy, cosy, cozy, gentle, feel good, heartwarming",
    ),
    _sense(
        "feel good",
        "uplifting, cheerful, happy, heartwarming, heart warming, wholesome, joyful, optimistic, cheer me up,"
        " cheer us up, heartfelt, warm, warm hearted, warmhearted",
        "feel good, uplifting, heartwarming, feelgood, happy, cheerful, inspirational, inspiring, optimistic",
        "cosy, cozy, gentle, sweet, playful",
    ),
    _sense(
        "hopeful",
        "inspiring, life affirming",
        "hopeful, uplifting, heartwarming, optimistic, inspirational, inspiring, feel good",
    ),
    _sense(
        "cosy",
        "cozy, comforting, comfort, soothing, calm, calming, gentle, relaxing, quiet, peaceful, chill",
        "cosy, cozy, gentle, calm, relaxing, soothing, comforting, peaceful, quiet",
        "heartwarming, feel good",
    ),
    _sense(
        "romantic",
        "love story, love stories, date night, romance",
        "romance, romantic, love story, love, romantic comedy",
        "first love, forbidden love, bittersweet",
    ),
    _sense(
        "sad",
        "tearjerker, tear jerker, heartbreaking, tragic, depressing, make me cry, makes me cry, cry, melancholic,"
        " melancholy",
        "sad, tearjerker, tear jerker, heartbreaking, tragic, depressing, melancholy, melancholic",
        "bittersweet, emotional, touching, poignant",
    ),
    _sense(
        "exciting",
        "thrilling, action packed, fast paced, adrenaline, gripping, intense, edge of my seat, energetic",
        "exciting, thrilling, action packed, fast paced, gripping, intense, energetic, action",
        "adventure, thriller, tense, suspenseful, suspense",
    ),
    _sense(
        "tense",
        "suspenseful, suspense, nail biting, nailbiting",
        "tense, suspenseful, suspense, suspenseful",
        "thriller",
    ),
    _sense(
        "thoughtful",
        "thought provoking, intelligent, smart, clever, cerebral, philosophical, deep, profound, makes me think",
        "thoughtful, thought provoking, intelligent, cerebral, philosophical, philosophy, clever, smart",
        "mind bending, intellectual, psychological",
    ),
    _sense(
        "mind bending",
        "mindbending, mind blowing, trippy, surreal, dreamlike, psychedelic, mindfuck, twisty, confusing",
        "mind bending, mindfuck, surreal, dreamlike, trippy, hallucinatory, psychedelic, twist ending",
        "nonlinear, time loop",
    ),
    _sense("quirky", "offbeat, eccentric, oddball, kooky, whimsical", "quirky, offbeat, eccentric, whimsical"),
    _sense("nostalgic", "nostalgia", "nostalgic, nostalgia"),
    _sense("epic", "sweeping, grand", "epic, sweeping"),
    _sense(
        "stylish",
        "stylized, stylised, visually stunning, gorgeous",
        "stylish, stylized, visually appealing, visually stunning, cinematography",
    ),
    _sense("satirical", "satire, ironic, biting", "satirical, satire, ironic, irony", "parody, spoof"),
    _sense("sexy", "sex, sexual, erotic, steamy, nudity", "sexy, erotic, sexuality, nudity, sex, nudity topless"),
    _sense(
        "slow",
        "slow burn, slow paced, meditative, contemplative",
        "slow, slow burn, meditative, contemplative, slow paced",
    ),
    _sense(
        "classic",
        "classics, oldies",
        "classic, classics, classic movie, cult classic, cult film",
    ),
    _sense("inspiring", "inspirational, motivating, motivational", "inspiring, inspirational, uplifting"),
)
"""Adjectives and the like: wishes, because people differ about them."""

AUDIENCES = (
    _sense(
        "for kids",
        "for children, for the kids, for my kids, for our kids, with kids, with the kids, with my kids, with our kids,"
        " with children, with my children, kid friendly, kids, children, child friendly, family friendly, for the"
        " family,"
        " for the whole family, with the family, with my family, with the whole family, with my daughter, with my son,"
        " for my daughter, for my son, for my niece, for my nephew, for little ones, with my little one,"
        " family movie, family film, family night, family movie night, for a child, for a kid, suitable for children,"
        " for toddlers, for babies, for baby",
        "children, childrens, kids, family, for kids, family friendly, baby & child, toddlers, baby, kids & family",
        "animation, disney, pixar",
    ),
    _sense("for adults", "for grown ups, for grownups, grown up, adult", "adult, adults, mature"),
    _sense(
        "for teens",
        "for teenagers, for my teenager, teen, teenage",
        "teen, teenager, teenagers, teens, young adult",
        "coming of age, high school",
    ),
    _sense(
        "for beginners", "beginner, beginners, for a beginner, novice", "beginner, beginners, beginner friendly, easy"
    ),
    _sense(
        "for men", "for him, mens, for my husband, for my boyfriend, for my dad, for my father", "men, mens, for men"
    ),
    _sense(
        "for women",
        "for her, womens, ladies, for my wife, for my girlfriend, for my mom, for my mum, for my mother",
        "women, womens, for women, ladies",
    ),
)

KINDS: dict[str, tuple[str, ...]] = {
    "sci fi": ("sci fi", "science fiction", "scifi"),
    "scifi": ("sci fi", "science fiction"),
    "sf": ("sci fi", "science fiction", "sf"),
    "science fiction": ("science fiction", "sci fi", "scifi"),
    "romcom": ("romantic comedy", "romcom", "rom com"),
    "rom com": ("romantic comedy", "rom com", "romcom"),
    "romantic comedy": ("romantic comedy",),
    "animated": ("animation", "animated", "cartoon"),
    "animation": ("animation", "animated"),
    "cartoon": ("animation", "cartoon", "animated"),
    "anime": ("anime",),
    "noir": ("film noir", "noir"),
    "film noir": ("film noir", "noir"),
    "whodunit": ("mystery", "whodunit", "murder mystery"),
    "whodunnit": ("mystery", "whodunit", "murder mystery"),
    "detective": ("detective", "private detective"),
    "biopic": ("biography", "biopic", "biographical"),
    "biographical": ("biography", "biopic", "biographical"),
    "biography": ("biography", "biopic"),
    "doc": ("documentary",),
    "docs": ("documentary",),
    "docu": ("documentary",),
    "historical": ("history", "historical", "period drama"),
    "history": ("history", "historical"),
    "superhero": ("superhero", "superheroes", "super hero"),
    "gangster": ("gangsters", "gangster", "mafia"),
    "mafia": ("mafia", "gangsters", "organized crime"),
    "spy": ("espionage", "spy", "spies"),
    "zombie": ("zombies", "zombie"),
    "vampire": ("vampires", "vampire"),
    "sports": ("sport", "sports"),
    "childrens": ("children", "childrens", "kids", "family"),
    "adventurous": ("adventure", "adventures"),
    "dystopian": ("dystopia", "dystopian"),
    "slasher": ("slasher",),
    "thriller": ("thriller",),
    "fairy tale": ("fairy tale", "fairy tales"),
    "perfume": ("perfume", "fragrance", "fragrances", "eau de parfum"),
    "fragrance": ("fragrance", "perfume"),
    "nail varnish": ("nail polish", "nail varnish"),
}
"""Other names of kinds of things; an exact value of the catalogue comes before these."""

AMBIGUOUS_KINDS = frozenset({"family", "music", "love", "light", "adult", "short", "sport", "history"})
"""Values that are everyday nouns: they bind only beside a noun such as "film", or alone."""

COMPOUNDS: dict[str, tuple[str, str]] = {
    "romantic comedy": ("comedy", "romance"),
    "romcom": ("comedy", "romance"),
    "rom com": ("comedy", "romance"),
    "comedy drama": ("comedy", "drama"),
    "dramedy": ("comedy", "drama"),
    "horror comedy": ("horror", "comedy"),
}
"""Names of two kinds at once, used if the catalogue has no single value for them."""

TRIGGERS: dict[str, Sense] = {trigger: sense for sense in (*AUDIENCES, *MOODS) for trigger in sense.triggers}


def singular_forms(key: str) -> tuple[str, ...]:
    """The words that the key may be the plural of."""
    forms = []
    if key.endswith("ies") and len(key) > 4:
        forms.append(key[:-3] + "y")
    if key.endswith(("ses", "xes", "zes", "ches", "shes")):
        forms.append(key[:-2])
    if key.endswith("s") and not key.endswith(("ss", "us", "is")) and len(key) > 3:
        forms.append(key[:-1])
    return tuple(forms)


def plural_forms(key: str) -> tuple[str, ...]:
    """The plurals that the key may have."""
    forms = [key + "s"]
    if key.endswith("y"):
        forms.append(key[:-1] + "ies")
    elif key.endswith(("s", "x", "z", "ch", "sh", "o")):
        forms.append(key + "es")
    return tuple(forms)


@lru_cache(maxsize=4096)
def base_of(word: str) -> str | None:
    """The adjective of the thesaurus whose comparative or superlative ``word`` is, or None."""
    for ending in ("er", "est"):
        if not word.endswith(ending) or len(word) < len(ending) + 3:
            continue
        stem = word[: -len(ending)]
        stems = [stem, stem + "e"]
        if stem.endswith("i"):
            stems.append(stem[:-1] + "y")
        if len(stem) > 2 and stem[-1] == stem[-2]:
            stems.append(stem[:-1])
        for base in stems:
            if base in TRIGGERS:
                return base
    return None
