{# The rows of the version in use: the newest that was not trained after as_of_date, so that a replayed
   day never knows a later model.

   Arguments:
     trained (string): relation or CTE of all versions, with trained_date.
     columns (list of strings): columns to select.
     tie_breakers (list of strings): columns, each with its direction, that order versions of one day. #}
{% macro newest_version(trained, columns, tie_breakers=[]) -%}
    with

    ranked_versions as (
        select
            *,
            dense_rank() over (order by {{ (['trained_date desc'] + tie_breakers) | join(', ') }}) as version_rank
        from {{ trained }}
        where trained_date <= {{ as_of_date() }}
    )

    select
        {{ columns | join(',\n        ') }}
    from ranked_versions
    where version_rank = 1
{%- endmacro %}
