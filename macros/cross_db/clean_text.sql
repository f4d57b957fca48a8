{# Text trimmed of white space at both ends, empty text as null, full-width forms (U+FF01 to U+FF5E,
   U+3000, as East Asian keyboards type them) and no-break spaces as their ASCII twins, composed to
   NFC where the warehouse can (DuckDB). #}
{% macro clean_text(expression) %}
    {{- return(adapter.dispatch('clean_text', 'clientele')(expression)) -}}
{% endmacro %}

{% macro default__clean_text(expression) -%}
    nullif(trim({{ clientele.fold_width(expression) }}, {{ clientele.white_space() }}), '')
{%- endmacro %}

{# Nearly all text is printable ASCII without blanks around it; to recognise it costs a tenth of
   cleaning it. #}
{% macro duckdb__clean_text(expression) -%}
    case
        when regexp_matches({{ expression }}, '^[!-~]([ -~]*[!-~])?$') then {{ expression }}
        else nullif(trim(nfc_normalize({{ clientele.fold_width(expression) }}), {{ clientele.white_space() }}), '')
    end
{%- endmacro %}

{% macro white_space() -%}
    ' ' || chr(9) || chr(10) || chr(13)
{%- endmacro %}

{% macro fold_width(expression) -%}
    translate(
        {{ expression }},
        '！＂＃＄％＆＇（）＊＋，－．／０１２３４５６７８９：；＜＝＞？＠ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ［＼］＾＿｀'
        || 'ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ｛｜｝～' || chr(12288) || chr(160),
        '!"#$%&''()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[' || chr(92) || ']^_`'
        || 'abcdefghijklmnopqrstuvwxyz{|}~  '
    )
{%- endmacro %}
