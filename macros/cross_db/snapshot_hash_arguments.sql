{# Overrides dbt's hash that names a version in a snapshot: of key and moment, and of what is followed, since
   one record may have several versions at one moment of the data.

   Arguments:
     args (list of strings): SQL of the key and of the moment. #}
{% macro default__snapshot_hash_arguments(args) -%}
    md5(
        {%- for value in args + config.get('check_cols') %}
        coalesce(cast({{ value }} as varchar), ''){{ " || '|' ||" if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}
