"""Files of secrets and of git are known by their names."""

from __future__ import annotations

import pytest

from tools.guarded import is_internal, is_secret

SECRET = """
.env .env.prod a/.ENV.local .envrc .netrc .pgpass .npmrc .pypirc .git-credentials credentials
credentials.json a/id_rsa id_ed25519 x.pem x.KEY x.p12 x.keystore secrets.yaml secret.toml
.ssh .ssh/config a/.aws/config .gnupg/x service-account-x.json service_account.json
""".split()
OPEN = """
.env.example .env.sample env a.env.sql models/secrets_of_pricing.sql keys.csv primary_key.sql
id_rsa.pub credentials.sql models/service_accounts.sql profiles.yml ssh/config
""".split()


@pytest.mark.parametrize("path", SECRET)
def test_secret(path: str) -> None:
    assert is_secret(path)


@pytest.mark.parametrize("path", OPEN)
def test_open(path: str) -> None:
    assert not is_secret(path)


def test_internal() -> None:
    assert is_internal(".git")
    assert is_internal("a/.GIT/hooks/x")
    assert is_internal(".specmill/trust.json")
    assert not is_internal(".gitignore")
    assert not is_internal("git/x")
