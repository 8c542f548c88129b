#!/usr/bin/env bash
# The C in README.md is the code that is compiled and tested: a comment before each block names its file.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "FAILED: README.md: $*" >&2; exit 1; }

# block FILE : the block of C after the comment that names the file.
block() {
    awk -v mark="<!-- all of $1 -->" '
        $0 == mark        { marked = 1; next }
        marked && /^```c$/ { inside = 1; next }
        inside && /^```$/  { exit }
        inside' README.md
}

mapfile -t files < <(sed -n 's/^<!-- all of \(.*\) -->$/\1/p' README.md)
((${#files[@]} == $(grep -c '^```c$' README.md))) || fail "a block of C has no comment that names its file"
((${#files[@]})) || fail "there is no C in it"

for file in "${files[@]}"; do
    diff "$file" <(block "$file") || fail "the block differs from $file"
done
echo "readme: all is well"
