"""Is a larger beam better? Against enumeration where that is possible; then on a made-up language."""
