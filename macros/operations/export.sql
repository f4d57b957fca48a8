{# Print a built model as CSV or JSON, to be sent to a file:
     dbt --quiet run-operation export --args '{model: customer_segments}' > segments.csv
     dbt --quiet run-operation export --args '{model: churn_parameters, format: json}' > parameters.json

   Arguments:
     model (string): name of a model that has been built.
     format (string): csv or json. #}
{% macro export(model, format='csv') %}
    {%- set node = graph.nodes.get('model.clientele.' ~ model) -%}
    {%- if not node -%}
        {{ exceptions.raise_compiler_error("There is no model '" ~ model ~ "' to export; `dbt ls --resource-type model` names them all.") }}
    {%- elif format not in ['csv', 'json'] -%}
        {{ exceptions.raise_compiler_error("Format '" ~ format ~ "' is not known; give csv or json.") }}
    {%- endif -%}
    {%- set relation = adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias) -%}
    {%- if not relation -%}
        {{ exceptions.raise_compiler_error("Model '" ~ model ~ "' has not been built in this target yet; run `dbt build` first.") }}
    {%- endif -%}
    {%- set rows = run_query('select * from ' ~ relation ~ ' order by 1, 2, 3') -%}
    {#- Snowflake answers in upper case; the file has the names that the YAML has. -#}
    {%- set rows = rows.rename(column_names=rows.column_names | map('lower') | list) -%}
    {%- if format == 'csv' -%}
        {%- do rows.print_csv() -%}
    {%- else -%}
        {%- do rows.print_json(indent=2) -%}
    {%- endif -%}
{% endmacro %}
