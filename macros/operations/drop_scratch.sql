{# Drop every schema that this target builds in: what a pull request, a smoke test or a developer leaves
   behind. By exact name, never production's. #}
{% macro drop_scratch() %}
    {%- if target.schema == 'main' -%}
        {{ exceptions.raise_compiler_error("The schema `main` is production: nothing was dropped.") }}
    {%- endif -%}
    {%- set ns = namespace(schemas=[target.schema]) -%}
    {%- for node in (graph.nodes.values() | list) + (graph.sources.values() | list)
        if node.resource_type in ['model', 'seed', 'snapshot', 'source'] -%}
        {%- do ns.schemas.append(node.schema) -%}
    {%- endfor -%}
    {%- for schema in ns.schemas | unique | sort -%}
        {%- do adapter.drop_schema(api.Relation.create(database=target.database, schema=schema)) -%}
        {{- print("Dropped " ~ target.database ~ "." ~ schema) -}}
    {%- endfor -%}
{% endmacro %}
