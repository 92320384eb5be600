"""What joins the pages of docs/ on the site: README, changelog, contributing, and a reference from the docstrings.

A hook of mkdocs, named in mkdocs.yml; `make docs` runs it.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / ".package/degrade"
"""As it is installed, with all its parts in one folder."""
PAGES = {"index.md": "README.md", "CHANGELOG.md": "CHANGELOG.md", "CONTRIBUTING.md": "CONTRIBUTING.md"}
"""Pages of the site by the file of the repository that they are."""
ELSEWHERE = ("cli", "ops")
"""Modules of `degrade` that the reference leaves out: commands have ``--help``, and ops their own pages."""
LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)#]+)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Puts the reference into the navigation."""
    (config.nav or []).append({"Reference": [{name: f"reference/{name}.md"} for name in reference()]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are not in docs/."""
    texts = {page: (ROOT / source).read_text("utf-8") for page, source in PAGES.items()}
    for name, modules in reference().items():
        texts[f"reference/{name}.md"] = f"# {name}\n\n" + "\n".join(f"::: {module}\n" for module in modules)
    for page, text in texts.items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: MkDocsConfig, **_: Any) -> str:
    """Leads links to where their targets are on the site, or in the repository if they are not on it."""
    uri = page.file.src_uri
    folder = (ROOT / PAGES.get(uri, f"docs/{uri}")).parent
    sources = {ROOT / source: page for page, source in PAGES.items()}

    def lead(link: re.Match[str]) -> str:
        target = (folder / link[2]).resolve()
        if target in sources:
            place = sources[target]
        elif target.is_relative_to(ROOT / "docs"):
            place = target.relative_to(ROOT / "docs").as_posix()
        elif target.is_relative_to(ROOT):
            return f"{link[1]}{config.repo_url}/blob/main/{target.relative_to(ROOT).as_posix()}"
        else:
            return link[0]
        return link[1] + "../" * uri.count("/") + place

    return LINK.sub(lead, markdown)


def reference() -> dict[str, list[str]]:
    """The public modules, by the package that is their page."""
    pages: dict[str, list[str]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        if any(part[0] == "_" for part in parts) or set(ELSEWHERE) & set(parts):
            continue
        page = parts if file.stem == "__init__" else parts[:-1]
        pages.setdefault(".".join(page), []).append(".".join(parts))
    return {name: sorted(modules) for name, modules in sorted(pages.items())}
