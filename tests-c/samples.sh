#!/usr/bin/env bash
# The C in a document is the code that is compiled and tested: a comment before each block names its file,
# and the function where it is not all of that:
#   samples.sh DOCUMENT
# Two forms:  <!-- all of FILE -->  and  <!-- FUNCTION of FILE -->
set -euo pipefail
cd "$(dirname "$0")/.."

document=$1
mark='^<!-- \([a-z_]*\) of \([^ ]*\) -->$'

fail() { echo "FAILED: $document: $*" >&2; exit 1; }

# block COMMENT : the block of C after the comment.
block() {
    awk -v mark="$1" '
        $0 == mark        { marked = 1; next }
        marked && /^```c$/ { inside = 1; next }
        inside && /^```$/  { exit }
        inside' "$document"
}

# code WHAT FILE : all of a file, or a function of it.
code() {
    if [[ $1 == all ]]; then
        cat "$2"
    else
        awk -v start="^[a-z].*[ *]$1[(]" '$0 ~ start && !/;$/ { inside = 1 } inside; inside && /^}$/ { exit }' "$2"
    fi
}

mapfile -t comments < <(grep "$mark" "$document")
((${#comments[@]} == $(grep -c '^```c$' "$document"))) || fail "a block of C has no comment that names its file"
((${#comments[@]})) || fail "there is no C in it"

for comment in "${comments[@]}"; do
    read -r what file < <(sed "s/$mark/\1 \2/" <<<"$comment")
    [[ $(code "$what" "$file") ]] || fail "there is no $what in $file"
    diff <(code "$what" "$file") <(block "$comment") || fail "the block differs from $what of $file"
done
echo "$document: all is well"
