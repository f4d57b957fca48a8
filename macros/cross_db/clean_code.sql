{# A code in its kept form, before its case is set: cleaned text, with full-width forms (U+FF01 to
   U+FF5E and U+3000, as East Asian keyboards type them) and no-break spaces as their ASCII twins, and
   composed to NFC where the warehouse can (DuckDB). #}
{% macro clean_code(expression) %}
    {{- return(adapter.dispatch('clean_code', 'clientele')(expression)) -}}
{% endmacro %}

{% macro default__clean_code(expression) -%}
    {{ clientele.default__clean_text(clientele.fold_width(expression)) }}
{%- endmacro %}

{# Nearly all codes are printable ASCII without blanks around them; to see that costs a tenth of
   cleaning them. #}
{% macro duckdb__clean_code(expression) -%}
    case
        when regexp_matches({{ expression }}, '^[!-~]([ -~]*[!-~])?$') then {{ expression }}
        else {{ clientele.default__clean_code('nfc_normalize(' ~ expression ~ ')') }}
    end
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
