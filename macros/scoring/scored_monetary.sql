{# The column that counts as monetary where customers are scored: `monetary`, or `net_monetary` where the var
   `monetary_basis` says `net`. Raises one sentence when the var says anything else. #}
{% macro scored_monetary() %}
    {%- set basis = var('monetary_basis') -%}
    {%- if basis not in ['gross', 'net'] -%}
        {{ exceptions.raise_compiler_error("monetary_basis is '" ~ basis ~ "': set it to gross (revenue before returns) or net (less refunds).") }}
    {%- endif -%}
    {{- return({'gross': 'monetary', 'net': 'net_monetary'}[basis]) -}}
{% endmacro %}
