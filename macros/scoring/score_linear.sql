{# The features of a model as its YAML declares them (`meta.features`: group -> transform -> names): a
   list of {feature, transform, group}; empty while parsing.

   Arguments:
     model (string): name of the Python model. #}
{% macro model_terms(model) %}
    {%- set terms = [] -%}
    {%- if execute -%}
        {%- for group, transforms in graph.nodes['model.clientele.' ~ model].config.meta.features.items() -%}
            {%- for transform, names in transforms.items() -%}
                {%- for name in names -%}
                    {%- do terms.append({'feature': name, 'transform': transform, 'group': group}) -%}
                {%- endfor -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(terms) -}}
{% endmacro %}

{# Score rows by a linear model that Python trained:

     score = level + sum of coefficient * clip((t(x) - mean) / scale, -6, 6)

   t is sign(x) ln(1 + |x|) for `signed_log`, x for `identity`, 1 or 0 for `above` and `missing`; an unknown x
   takes the fill value, and a term without a scale contributes nothing. The parameters are turned into
   one row, and the sum into one expression, so a million customers take seconds. Selects customer_id,
   snapshot_date, contribution_<group> of each group of terms, and score.

   Arguments:
     scored (string): relation or CTE with customer_id, snapshot_date and the features.
     parameters (string): relation or CTE with the parameter rows of one fit of one model.
     terms (list): {feature, transform, group}, as model_terms gives them. #}
{% macro score_linear(scored, parameters, terms) -%}
    {%- set names = ['fill_value', 'mean_value', 'scale_value', 'coefficient'] -%}
    select
        customer_id,
        snapshot_date,
        {% for group in terms | map(attribute='group') | unique -%}
        contribution_{{ group }},
        {% endfor -%}
        level{% for group in terms | map(attribute='group') | unique %} + contribution_{{ group }}{% endfor %} as score
    from (
        select
            {{ scored }}.customer_id,
            {{ scored }}.snapshot_date,
            levels.level,
            {% for group in terms | map(attribute='group') | unique -%}
            {% for term in terms if term.group == group -%}
            {{ clientele.linear_term('cast(' ~ scored ~ '.' ~ term.feature ~ ' as double)', term) }}
            {{ '+ ' if not loop.last -}}
            {% endfor -%}
            as contribution_{{ group }}{{ ',' if not loop.last }}
            {% endfor %}
        from {{ scored }}
        cross join (
            select
                {% for term in terms -%}
                {% for name in names -%}
                {% for transform in [term.transform, 'missing'] -%}
                max(case when feature = '{{ term.feature }}' and transform = '{{ transform }}' then {{ name }} end)
                    as {{ term.feature }}_{{ transform }}_{{ name }},
                {% endfor -%}
                {% endfor -%}
                {% endfor -%}
                count(*) as term_count
            from {{ parameters }}
            where parameter_type = 'term'
        ) as learnt
        inner join (
            select
                days.snapshot_date,
                max_by({{ parameters }}.value, {{ parameters }}.snapshot_date) as level
            from (select distinct snapshot_date from {{ scored }}) as days
            inner join {{ parameters }}
                on
                    {{ parameters }}.parameter_type = 'level'
                    and {{ parameters }}.snapshot_date <= days.snapshot_date
            group by 1
        ) as levels
            on {{ scored }}.snapshot_date = levels.snapshot_date
    ) as contributions
{%- endmacro %}

{# What one feature contributes: its term, and that of its indicator of missing values.

   Arguments:
     value (string): SQL of the feature as a double.
     term (mapping): feature and transform. #}
{% macro linear_term(value, term) -%}
    {%- set learnt = 'learnt.' ~ term.feature ~ '_' ~ term.transform -%}
    {%- set absent = 'learnt.' ~ term.feature ~ '_missing' -%}
    {%- if term.transform == 'signed_log' -%}
        {%- set transformed = 'coalesce(sign(' ~ value ~ ') * ln(1 + abs(' ~ value ~ ')), ' ~ learnt ~ '_fill_value)' -%}
    {%- elif term.transform == 'above' -%}
        {%- set transformed = 'case when ' ~ value ~ ' > ' ~ learnt ~ '_fill_value then 1 else 0 end' -%}
    {%- else -%}
        {%- set transformed = 'coalesce(' ~ value ~ ', ' ~ learnt ~ '_fill_value)' -%}
    {%- endif -%}
    case when {{ learnt }}_scale_value is null then 0 else {{ learnt }}_coefficient * least(greatest(
                ({{ transformed }} - {{ learnt }}_mean_value) / {{ learnt }}_scale_value, -6), 6) end
            + case when {{ absent }}_scale_value is null then 0 else {{ absent }}_coefficient * least(greatest(
                (case when {{ value }} is null then 1 else 0 end - {{ absent }}_mean_value) / {{ absent }}_scale_value, -6), 6) end
{%- endmacro %}

{# Add the features of an MBG/NBD model to snapshots: mbg_alive, the log odds that the customer is still
   one; mbg_no_order, the log odds of no order within the churn horizon; mbg_orders, the logarithm of the
   orders expected in it. Batislam, Denizel and Filiztekin (2007); the same as mbg_features in
   models/ml/churn_model.py.

   Arguments:
     scored (string): relation or CTE with order_days, recency_days and tenure_days.
     parameters (string): relation or CTE with the parameter rows of one fit of the churn model. #}
{% macro mbg_features(scored, parameters) -%}
    {%- set horizon = var('churn_horizon_days') | int -%}
    select
        chances.*,
        least(greatest(chances.mbg_odds, -8), 8) as mbg_alive,
        ln(chances.mbg_chance / (1 - chances.mbg_chance)) as mbg_no_order,
        ln(chances.mbg_alive_chance * chances.mbg_rate * {{ horizon }} + 0.0001) as mbg_orders
    from (
        select
            alive.*,
            least(greatest(
                1 - alive.mbg_alive_chance * (1 - power(
                    (alive.mbg_alpha + alive.tenure_days) / (alive.mbg_alpha + alive.tenure_days + {{ horizon }}),
                    alive.mbg_r + alive.order_days - 1
                )), cast(0.00001 as double)), cast(0.99999 as double)) as mbg_chance
        from (
            select
                odds.*,
                1 / (1 + exp(-least(greatest(odds.mbg_odds, -500), 500))) as mbg_alive_chance,
                (odds.mbg_r + odds.order_days - 1) / (odds.mbg_alpha + odds.tenure_days) as mbg_rate
            from (
                select
                    {{ scored }}.*,
                    constants.mbg_r,
                    constants.mbg_alpha,
                    constants.mbg_a,
                    constants.mbg_b,
                    ln(constants.mbg_b + {{ scored }}.order_days - 1) - ln(constants.mbg_a)
                    + (constants.mbg_r + {{ scored }}.order_days - 1) * (
                        ln(constants.mbg_alpha + {{ scored }}.tenure_days - {{ scored }}.recency_days)
                        - ln(constants.mbg_alpha + {{ scored }}.tenure_days)
                    ) as mbg_odds
                from {{ scored }}
                cross join (
                    select
                        {% for name in ['r', 'alpha', 'a', 'b'] -%}
                        max(case when feature = 'mbg_{{ name }}' then value end) as mbg_{{ name }}{{ ',' if not loop.last }}
                        {% endfor %}
                    from {{ parameters }}
                    where parameter_type = 'constant'
                ) as constants
            ) as odds
        ) as alive
    ) as chances
{%- endmacro %}

{# The probability that belongs to log odds.

   Arguments:
     score (string): SQL of the log odds. #}
{% macro sigmoid(score) -%}
    1 / (1 + exp(-least(greatest({{ score }}, -500), 500)))
{%- endmacro %}
