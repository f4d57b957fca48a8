{# Score rows by linear models that Python trained:

     score = level + sum of coefficient * clip((t(x) - mean) / scale, -6, 6)

   t is sign(x) ln(1 + |x|) for `signed_log`, x for `identity`, 1 or 0 for `above`; an unknown x takes the
   fill value. A term may have a second one, the indicator of unknown values (`missing`). A term without
   a scale contributes nothing. The terms become one row, and the sum one expression, so a million
   customers take seconds. Selects the key, customer_id, snapshot_date, contribution_<group> of each group
   of terms, and score; no row without a level.

   Arguments:
     scored (string): relation or CTE with the key, customer_id, snapshot_date and the features.
     parameters (string): relation or CTE with the key and the parameter rows.
     terms (list): {feature, transform, group}, as model_terms gives them.
     key (string): column that tells the models apart: `fit`, or `model`. #}
{% macro score_linear(scored, parameters, terms, key) -%}
    {%- set groups = terms | map(attribute='group') | unique | list -%}
    with

    value_terms as (
        select
            {{ key }},
            feature,
            feature || '_' || transform as term,
            fill_value,
            coalesce(mean_value, 0) as mean_value,
            coalesce(scale_value, 1) as scale_value,
            case when scale_value is null then 0 else coefficient end as coefficient
        from {{ parameters }}
        where parameter_type = 'term' and transform != 'missing'
    ),

    -- What the indicator adds where the value is known, and where it is not.
    missing_terms as (
        select
            {{ key }},
            feature,
            coefficient * least(greatest((0 - mean_value) / scale_value, -6), 6) as known,
            coefficient * least(greatest((1 - mean_value) / scale_value, -6), 6) as unknown
        from {{ parameters }}
        where parameter_type = 'term' and transform = 'missing' and scale_value is not null
    ),

    whole_terms as (
        select
            value_terms.{{ key }},
            value_terms.term,
            value_terms.fill_value,
            value_terms.mean_value,
            value_terms.scale_value,
            value_terms.coefficient,
            coalesce(missing_terms.known, 0) as known,
            case
                when value_terms.coefficient = 0 then 0
                else value_terms.coefficient * least(greatest(
                    (value_terms.fill_value - value_terms.mean_value) / value_terms.scale_value, -6), 6)
            end + coalesce(missing_terms.unknown, 0) as unknown
        from value_terms
        left join missing_terms
            on
                value_terms.{{ key }} = missing_terms.{{ key }}
                and value_terms.feature = missing_terms.feature
    ),

    -- A model without a term, of trees alone, has its level.
    levelled as (
        select {{ key }}
        from {{ parameters }}
        where parameter_type = 'level'
        group by 1
    ),

    learnt as (
        select
            {% for term in terms %}
            {%- set name = term.feature ~ '_' ~ term.transform -%}
            {%- for column, other in {
                'mean_value': 0, 'scale_value': 1, 'coefficient': 0, 'known': 0,
                ('fill_value' if term.transform == 'above' else 'unknown'): 0,
            }.items() -%}
            coalesce(max(case whole_terms.term when '{{ name }}' then whole_terms.{{ column }} end), {{ other }}) as {{ name }}_{{ column }},{{ ' ' }}
            {%- endfor %}
            {% endfor -%}
            levelled.{{ key }}
        from levelled
        left join whole_terms
            on levelled.{{ key }} = whole_terms.{{ key }}
        group by levelled.{{ key }}
    ),

    scored_dates as (
        select
            {{ key }},
            snapshot_date
        from {{ scored }}
        group by 1, 2
    ),

    levels as (
        select
            scored_dates.{{ key }},
            scored_dates.snapshot_date,
            max_by({{ parameters }}.value, {{ parameters }}.snapshot_date) as level
        from scored_dates
        inner join {{ parameters }}
            on
                {{ parameters }}.parameter_type = 'level'
                and scored_dates.{{ key }} = {{ parameters }}.{{ key }}
                and scored_dates.snapshot_date >= {{ parameters }}.snapshot_date
        group by 1, 2
    ),

    contributions as (
        select
            {% for group in groups -%}
            {% for term in terms if term.group == group -%}
            {{ '+ ' if not loop.first }}{{ clientele.linear_term(scored ~ '.' ~ term.feature, term) }}
            {{- ' as contribution_' ~ group ~ ',' if loop.last }}
            {% endfor -%}
            {% endfor -%}
            {{ scored }}.{{ key }},
            {{ scored }}.customer_id,
            {{ scored }}.snapshot_date,
            levels.level
        from {{ scored }}
        inner join learnt
            on {{ scored }}.{{ key }} = learnt.{{ key }}
        inner join levels
            on
                {{ scored }}.{{ key }} = levels.{{ key }}
                and {{ scored }}.snapshot_date = levels.snapshot_date
    )

    select
        {{ key }},
        customer_id,
        snapshot_date,
        {% for group in groups -%}
        contribution_{{ group }},
        {% endfor -%}
        level{% for group in groups %} + contribution_{{ group }}{% endfor %} as score
    from contributions
{%- endmacro %}
