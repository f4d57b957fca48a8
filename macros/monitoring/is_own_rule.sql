{# True when a row was rejected by a rule of the shop's own mapping, which leaves out what it means to. #}
{% macro is_own_rule() -%}
    coalesce(
        {%- for entity, settings in clientele.shop_mapping().items() if settings is mapping -%}
        {%- for rule in settings.get('reject') or {} %}
        entity = '{{ entity }}' and broken_rule = '{{ rule }}' or
        {%- endfor -%}
        {%- endfor %}
        false,
        false
    )
{%- endmacro %}
