{# The features that customers are segmented by: name to SQL over the columns of int_customer_snapshots.
   Money and counts as logarithms, because their spread grows with their size. The seed
   segment_archetypes has a column for each; int_segment_features documents them. #}
{% macro segment_features() %}
    {%- set monetary = clientele.scored_monetary() -%}
    {{- return({
        'log_recency': 'ln(1 + recency_days)',
        'log_frequency': 'ln(1 + frequency)',
        'log_monetary': 'sign(' ~ monetary ~ ') * ln(1 + abs(' ~ monetary ~ '))',
        'log_order_value': 'sign(average_order_value) * ln(1 + abs(average_order_value))',
        'discount_share': 'least(greatest(coalesce(discount_share, 0), 0), 1)',
        'tenure_days': 'tenure_days',
        'category_breadth': 'category_count',
        'log_events': 'ln(1 + coalesce(events_90, 0))',
    }) -}}
{% endmacro %}

{# The most segments a version can have: as many as the seed segment_archetypes has names. #}
{% macro most_segments() %}
    {{- return(10) -}}
{% endmacro %}

{# The nearest centroid of every customer: what scikit-learn's `Pipeline(StandardScaler, KMeans)` answers
   to `predict` (segment_id) and `transform` (the smallest distance), in SQL. For feature x:
   z = (x - mean) / scale; the distance is the square root of the sum of (z - centroid)^2. The nearest wins,
   of equal distances the smallest segment_id.

   The centroids become one wide row, so that each customer is one row all the way: no join with
   segments, no sort, no window. Both are null for a customer whom no centroid was given.

   Arguments:
     customers (string): relation or CTE with customer_id, snapshot_date and the features.
     parameters (string): relation or CTE with segment_id, feature, centroid, mean and scale; one set of
       centroids, or one per snapshot_date.
     by_date (boolean): true when parameters also has snapshot_date, and holds one set for each. #}
{% macro nearest_segment(customers, parameters, by_date=false) -%}
    {%- set features = clientele.segment_features().keys() | list -%}
    {%- set places = range(1, clientele.most_segments() + 1) | list -%}
    select
        customer_id,
        snapshot_date,
        case nearest
            {%- for place in places %}
            when square_{{ place }} then segment_{{ place }}
            {%- endfor %}
        end as segment_id,
        sqrt(nullif(nearest, cast('1e300' as double))) as distance
    from (
        select
            *,
            least({% for place in places %}square_{{ place }}{{ ', ' if not loop.last }}{% endfor %}) as nearest
        from (
            select
                customer_id,
                snapshot_date,
                {%- for place in places %}
                segment_{{ place }},
                coalesce(
                    {%- for feature in features %}
                    ({{ feature }} - {{ feature }}_{{ place }}) * ({{ feature }} - {{ feature }}_{{ place }})
                    {{- ' +' if not loop.last }}
                    {%- endfor %},
                    cast('1e300' as double)
                ) as square_{{ place }}{{ ',' if not loop.last }}
                {%- endfor %}
            from (
                select
                    customers.customer_id,
                    customers.snapshot_date,
                    {%- for feature in features %}
                    (customers.{{ feature }} - centroids.{{ feature }}_mean)
                    / centroids.{{ feature }}_scale as {{ feature }},
                    {%- endfor %}
                    {%- for place in places %}
                    {%- for feature in features %}
                    centroids.{{ feature }}_{{ place }},
                    {%- endfor %}
                    centroids.segment_{{ place }}{{ ',' if not loop.last }}
                    {%- endfor %}
                from {{ customers }} as customers
                left join (
                    select
                        {{ 'snapshot_date,' if by_date }}
                        {%- for feature in features %}
                        max(case when feature = '{{ feature }}' then mean end) as {{ feature }}_mean,
                        max(case when feature = '{{ feature }}' then scale end) as {{ feature }}_scale,
                        {%- endfor %}
                        {%- for place in places %}
                        {%- for feature in features %}
                        max(case when place = {{ place }} and feature = '{{ feature }}' then centroid end)
                            as {{ feature }}_{{ place }},
                        {%- endfor %}
                        max(case when place = {{ place }} then segment_id end)
                            as segment_{{ place }}{{ ',' if not loop.last }}
                        {%- endfor %}
                    from (
                        select
                            {{ 'snapshot_date,' if by_date }}
                            segment_id,
                            feature,
                            centroid,
                            mean,
                            scale,
                            dense_rank() over (
                                {{ 'partition by snapshot_date' if by_date }} order by segment_id
                            ) as place
                        from {{ parameters }}
                    ) as placed
                    {{ 'group by snapshot_date' if by_date }}
                ) as centroids
                    on {{ 'customers.snapshot_date = centroids.snapshot_date' if by_date else 'true' }}
            ) as standardised
        ) as squared
    ) as compared
{%- endmacro %}
