{# Score rows by boosted trees of depth two that Python trained: walk from each root (node 1) to node 2 i
   where the feature is at most the threshold of node i, to 2 i + 1 where it is above, and add up the
   values on the way. An unknown feature lies below every known one (UNKNOWN in
   models/ml/churn_model.py). A value belongs to the group of the feature split on above it. Selects
   customer_id, snapshot_date, contribution_<group> of each group of terms; no row without trees.

   Arguments:
     scored (string): relation or CTE with customer_id, snapshot_date and the features.
     parameters (string): relation or CTE with the parameter rows of one fit of one model.
     terms (list): {feature, transform, group}, as model_terms gives them. #}
{% macro score_trees(scored, parameters, terms) -%}
    {%- set values = [] -%}
    {%- for term in terms -%}
        {%- do values.append('coalesce(cast(' ~ scored ~ '.' ~ term.feature ~ ' as double), -1e9)') -%}
    {%- endfor -%}
    select
        customer_id,
        snapshot_date,
        {% for group in terms | map(attribute='group') | unique -%}
        {# Decimals, because doubles add up to other bits in another order. -#}
        cast(sum(cast(
            case when first_group = '{{ group }}' then first_value else 0 end
            + case when second_group = '{{ group }}' then second_value else 0 end
            as decimal(28, 15)
        )) as double) as contribution_{{ group }}{{ ',' if not loop.last }}
        {% endfor %}
    from (
        select
            customer_id,
            snapshot_date,
            group_1 as first_group,
            case when is_above then value_3 else value_2 end as first_value,
            case when is_above then group_3 else group_2 end as second_group,
            case
                when is_above and {{ clientele.array_item('features', 'feature_3') }} > threshold_3 then value_7
                when is_above then value_6
                when {{ clientele.array_item('features', 'feature_2') }} > threshold_2 then value_5
                else value_4
            end as second_value
        from (
            select
                rows_and_features.customer_id,
                rows_and_features.snapshot_date,
                rows_and_features.features,
                {{ clientele.array_item('rows_and_features.features', 'trees.feature_1') }} > trees.threshold_1 as is_above,
                trees.*
            from (
                select
                    customer_id,
                    snapshot_date,
                    {{ clientele.array_of(values) }} as features
                from {{ scored }}
            ) as rows_and_features
            cross join (
                select
                    {% for node in range(1, 8) -%}
                    {% if node <= 3 -%}
                    max(case when node = {{ node }} then case feature
                        {% for term in terms -%}
                        when '{{ term.feature }}' then {{ loop.index0 }}
                        {% endfor -%}
                    end end) as feature_{{ node }},
                    max(case when node = {{ node }} then feature_group end) as group_{{ node }},
                    max(case when node = {{ node }} then threshold end) as threshold_{{ node }},
                    {% endif -%}
                    max(case when node = {{ node }} then value end) as value_{{ node }},
                    {% endfor -%}
                    tree
                from {{ parameters }}
                where parameter_type = 'node'
                group by tree
            ) as trees
        ) as first_steps
    ) as second_steps
    group by 1, 2
{%- endmacro %}

{# Score rows by the churn model, of whichever form: the sum of score_linear and score_trees, one of
   which is empty. Selects customer_id, snapshot_date, contribution_<group> and score, the log odds.

   Arguments:
     scored (string): relation or CTE with customer_id, snapshot_date and the features.
     parameters (string): relation or CTE with the parameter rows of one fit of the churn model. #}
{% macro score_churn(scored, parameters) -%}
    {#- While parsing, the features are not known yet: any will do. -#}
    {%- set terms = clientele.model_terms('churn_model') or [{'feature': 'recency_days', 'transform': 'signed_log', 'group': 'silence'}] -%}
    {%- set groups = terms | map(attribute='group') | unique | list -%}
    select
        linear.customer_id,
        linear.snapshot_date,
        {% for group in groups -%}
        linear.contribution_{{ group }} + coalesce(trees.contribution_{{ group }}, 0) as contribution_{{ group }},
        {% endfor -%}
        linear.score{% for group in groups %} + coalesce(trees.contribution_{{ group }}, 0){% endfor %} as score
    from (
        {{ clientele.score_linear(scored, parameters, terms) }}
    ) as linear
    left join (
        {{ clientele.score_trees(scored, parameters, terms) }}
    ) as trees
        on
            linear.customer_id = trees.customer_id
            and linear.snapshot_date = trees.snapshot_date
{%- endmacro %}
