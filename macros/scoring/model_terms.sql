{# The features of a model as its YAML declares them (`meta.features`: group -> transform -> names): a
   list of {feature, transform, group}. While parsing they are not known yet: any one will do.

   Arguments:
     model (string): name of the Python model. #}
{% macro model_terms(model) %}
    {%- if not execute -%}
        {{- return([{'feature': 'recency_days', 'transform': 'signed_log', 'group': 'silence'}]) -}}
    {%- endif -%}
    {%- set terms = [] -%}
    {%- for group, transforms in graph.nodes['model.clientele.' ~ model].config.meta.features.items() -%}
        {%- for transform, names in transforms.items() -%}
            {%- for name in names -%}
                {%- do terms.append({'feature': name, 'transform': transform, 'group': group}) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(terms) -}}
{% endmacro %}
