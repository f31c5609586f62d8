"""Files that no tool touches, by their names: git's own, specmill's own, and those with secrets."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_INTERNAL = frozenset({".git", ".specmill"})
_SECRET = re.compile(
    r"""\.env(?!\.(example|sample|template|dist)$)(\..+)?|\.envrc|\.netrc|_netrc|\.pgpass|\.npmrc
    |\.pypirc|\.git-credentials|\.htpasswd|credentials(\.json)?|service[-_]account.*\.json
    |id_(rsa|dsa|ecdsa|ed25519)|.+\.(pem|key|p8|p12|pfx|jks|keystore|kdbx)
    |secrets?\.(ya?ml|toml|json)""",
    re.VERBOSE | re.IGNORECASE,
)
_SECRET_FOLDERS = frozenset({".ssh", ".aws", ".gnupg", ".kube", ".azure"})


def is_secret(path: str) -> bool:
    """Whether a file is one of those that usually hold keys or passwords."""
    parts = PurePosixPath(path).parts
    folders = {part.lower() for part in parts}
    return bool(_SECRET_FOLDERS & folders) or bool(parts and _SECRET.fullmatch(parts[-1]))


def is_internal(path: str) -> bool:
    """Whether a path is inside of git's folder, or of specmill's own state."""
    return any(part.lower() in _INTERNAL for part in PurePosixPath(path).parts)
