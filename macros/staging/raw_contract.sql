{# The raw contract stands in models/staging/shop/_shop__sources.yml alone; these macros read it. #}

{# Names of the tables of the raw contract, also at parse time, when the sources are not known yet; create_raw_views
   holds them against the sources. A line that is no record is rejected under the first of them that reads it. #}
{% macro raw_entities() %}
    {{- return(['orders', 'returns', 'customers', 'products', 'inventory', 'events', 'campaign_contacts', 'api_predictions']) -}}
{% endmacro %}

{# Tables of the raw contract: a list of source nodes. #}
{% macro raw_tables() %}
    {{- return(graph.sources.values() | selectattr('source_name', 'equalto', 'shop') | sort(attribute='name') | list) -}}
{% endmacro %}

{# SQL of a column of the raw contract: in quotes, since one of them (`group`) is a word of SQL.

   Arguments:
     column (string): its name. #}
{% macro column_name(column) %}
    {{- return(adapter.quote(clientele.folded(column))) -}}
{% endmacro %}

{# Names of the contract's columns of one raw table, in order (at parse time: none). #}
{% macro raw_columns(entity) %}
    {%- if not execute -%} {{- return([]) -}} {%- endif -%}
    {%- set table = clientele.raw_tables() | selectattr('name', 'equalto', entity) | first -%}
    {{- return(table.columns.keys() | reject('in', ['landing_rule', 'landing_record', 'landing_rest']) | list) -}}
{% endmacro %}
