"""Say in words which browser a session belongs to."""

# In this order: browsers also name those that they want to be taken for.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrome", "Chrome"),
    ("CriOS", "Chrome"),
    ("Chromium", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


def device(user_agent: str | None) -> str:
    """Return the browser and the system that a User-Agent header names, as far as people know them."""
    sent = user_agent or ""
    browser = next((name for sign, name in _BROWSERS if sign in sent), None)
    system = next((name for sign, name in _SYSTEMS if sign in sent), None)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "Unknown browser"
