"""What tests take from npm: ``make .node/.ready`` installs it, and ``make test`` where it can."""

import pytest

from tests.browser.following import ROOT

MODULES = ROOT / ".node" / "node_modules"
REACT = MODULES / "react" / "umd" / "react.development.js"
REACT_DOM = MODULES / "react-dom" / "umd" / "react-dom.development.js"
needs_npm = pytest.mark.skipif(not (ROOT / ".node/.ready").exists(), reason="needs react: npm")
