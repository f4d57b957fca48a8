{# Text trimmed of white space at both ends, empty text as null, full-width forms (U+FF01 to U+FF5E,
   U+3000, as East Asian keyboards type them) and no-break spaces as their ASCII twins, composed to
   NFC where the warehouse can (DuckDB). Pure ASCII text, nearly all of it, takes the cheap way. #}
{% macro clean_text(expression) %}
    {{- return(adapter.dispatch('clean_text', 'clientele')(expression)) -}}
{% endmacro %}

{% macro default__clean_text(expression) -%}
    nullif(trim({{ clientele.fold_width(expression) }}, {{ clientele.white_space() }}), '')
{%- endmacro %}

{% macro duckdb__clean_text(expression) -%}
    nullif(trim(case when strlen({{ expression }}) = length({{ expression }}) then {{ expression }}
        else nfc_normalize({{ clientele.fold_width(expression) }}) end, {{ clientele.white_space() }}), '')
{%- endmacro %}

{% macro white_space() -%}
    ' ' || chr(9) || chr(10) || chr(13)
{%- endmacro %}

{% macro fold_width(expression) -%}
    translate({{ expression }},
        '！＂＃＄％＆＇（）＊＋，－．／０１２３４５６７８９：；＜＝＞？＠ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ［＼］＾＿｀ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ｛｜｝～' || chr(12288) || chr(160),
        '!"#$%&''()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[' || chr(92) || ']^_`abcdefghijklmnopqrstuvwxyz{|}~' || '  ')
{%- endmacro %}
