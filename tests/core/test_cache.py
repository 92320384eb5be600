"""The cache that is bounded by bytes."""

from degrade.core.cache import ByteCache


def test_what_was_used_last_is_kept_within_the_bound() -> None:
    made: list[str] = []
    cache: ByteCache[str] = ByteCache(6, len)

    def get(key: str) -> str:
        return cache.get(key, lambda: made.append(key) or key)  # type: ignore[func-returns-value]

    for key in ("aa", "bbb", "aa", "cc", "aa", "bbb"):
        assert get(key) == key
    assert made == ["aa", "bbb", "cc", "bbb"]  # bbb was oldest when cc came


def test_what_is_greater_than_the_bound_is_made_but_not_kept() -> None:
    cache: ByteCache[str] = ByteCache(3, len)
    made = [cache.get("k", lambda: "large") for _ in range(2)]
    assert made == ["large", "large"]
    assert cache.get("s", lambda: "s") == "s"
