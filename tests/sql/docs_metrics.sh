#!/bin/bash
# docs/metrics.md is what scripts/docs-metrics.sh prints.
diff -u "$ROOT/docs/metrics.md" <("$ROOT/scripts/docs-metrics.sh" "$BARSVT_SO")
