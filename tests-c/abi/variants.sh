# Functions for sizes.sh and grown.sh, which set $compiler and $tmp: headers of other versions, and programs that are
# compiled with them.

# The fields that were added after the first version of their structure.
added_since=(pmqtt_statistics.{acks_held,messages_{dropped,cancelled,expired,rejected},responses_dropped}
             pmqtt_publication.{expiry_s,content_type,response_topic,correlation,correlation_len,payload_is_utf8}
             pmqtt_publication.{user_properties,user_property_count,tag,properties})

# variant NAME HEADER FILTER... : writes the header, changed by a filter.
variant() {
    mkdir "$tmp/$1"
    "${@:3}" <"$2" >"$tmp/$1/pmqtt.h"
}

# changed_variant NAME HEADER FILTER... : `variant` with a filter that has to change the header.
changed_variant() {
    variant "$@"
    ! cmp -s "$2" "$tmp/$1/pmqtt.h" || fail "$1: the header is as it was"
}

one_more_field() { structures 'lines[++count] = "  size_t added;"'; }

without_later_fields() {
    awk -v fields="${added_since[*]}" '
        BEGIN { count = split(fields, list, " "); for (i = 1; i <= count; i++) later[list[i]] = 1 }
        /^typedef struct .*{$/ { structure = $3 }
        /^  [a-z].*;$/ { field = $NF; gsub(/[*;]/, "", field); if ((structure "." field) in later) next }
        { print }'
}

below_the_first() { without_later_fields | structures 'lines[last] = ""'; }

# structures ACTION : runs an awk action at the end of each structure that begins with its size, before its lines are
# printed. `last` is the line of its last field.
structures() {
    awk "
        /^typedef struct .*{$/ { inside = 1; count = sized = last = 0 }
        inside && /^} /    { if (sized) { $1 }; inside = 0
                             for (i = 1; i <= count; i++) if (lines[i] != \"\") print lines[i] }
        inside             { lines[++count] = \$0
                             if (\$0 ~ /^  [a-z].*;/) { last = count; if (\$0 ~ / struct_size;/) sized = 1 }
                             next }
                           { print }"
}

# compile VARIANT PROGRAM LIBRARY_DIR FLAG... : builds $tmp/VARIANT/PROGRAM.
compile() {
    "$compiler" -std=c99 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Werror "${@:4}" \
        "-I$tmp/$1" "$2.c" -o "$tmp/$1/$2" "-L$3" -lpmqtt
}

# run VARIANT PROGRAM LIBRARY_DIR ARGUMENT...
run() {
    LD_LIBRARY_PATH=$3 timeout 60 "$tmp/$1/$2" "${@:4}" || fail "$2 with the header $1 and the library in $3"
}

fail() { echo "FAILED: $*" >&2; exit 1; }
