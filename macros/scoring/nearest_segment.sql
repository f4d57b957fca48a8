{# The nearest centroid of every customer: what scikit-learn's `Pipeline(StandardScaler, KMeans)` answers
   to `predict` (segment_id) and `transform` (the smallest distance), in SQL. For feature x:
   z = (x - mean) / scale; the distance is the square root of the sum of (z - centroid)^2. The nearest wins,
   of equal distances the smallest segment_id. A feature that the parameters lack has no part in it.

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
    {#- Farther than any centroid. -#}
    {%- set nowhere = "cast('1e300' as double)" -%}
    with

    placed as (
        select
            {{ 'snapshot_date,' if by_date }}
            segment_id,
            feature,
            centroid,
            mean,
            scale,
            dense_rank() over ({{ 'partition by snapshot_date ' if by_date }}order by segment_id) as place
        from {{ parameters }}
    ),

    centroids as (
        select
            {{ 'snapshot_date,' if by_date }}
            {%- for feature in features %}
            max(case when feature = '{{ feature }}' then mean end) as {{ feature }}_mean,
            max(case when feature = '{{ feature }}' then scale end) as {{ feature }}_scale,
            {%- endfor %}
            {%- for place in places %}
            {%- for feature in features %}
            max(case when place = {{ place }} and feature = '{{ feature }}' then centroid end) as {{ feature }}_{{ place }},
            {%- endfor %}
            max(case when place = {{ place }} then segment_id end) as segment_{{ place }}{{ ',' if not loop.last }}
            {%- endfor %}
        from placed
        {{ 'group by snapshot_date' if by_date }}
    ),

    standardised as (
        select
            {{ customers }}.customer_id,
            {{ customers }}.snapshot_date,
            {%- for feature in features %}
            ({{ customers }}.{{ feature }} - centroids.{{ feature }}_mean) / centroids.{{ feature }}_scale as {{ feature }},
            {%- endfor %}
            {%- for place in places %}
            {% for feature in features %}centroids.{{ feature }}_{{ place }}, {% endfor -%}
            centroids.segment_{{ place }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ customers }}
        left join centroids
            on {{ customers ~ '.snapshot_date = centroids.snapshot_date' if by_date else 'true' }}
    ),

    squared as (
        select
            customer_id,
            snapshot_date,
            {%- for place in places %}
            segment_{{ place }},
            case
                when segment_{{ place }} is null then {{ nowhere }}
                else
                    {%- for feature in features %}
                    {{ '+ ' if not loop.first }}coalesce(
                        ({{ feature }} - {{ feature }}_{{ place }}) * ({{ feature }} - {{ feature }}_{{ place }}), 0
                    )
                    {%- endfor %}
            end as square_{{ place }}{{ ',' if not loop.last }}
            {%- endfor %}
        from standardised
    ),

    compared as (
        select
            *,
            least({% for place in places %}square_{{ place }}{{ ', ' if not loop.last }}{% endfor %}) as nearest
        from squared
    )

    select
        customer_id,
        snapshot_date,
        case nearest
            {%- for place in places %}
            when square_{{ place }} then segment_{{ place }}
            {%- endfor %}
        end as segment_id,
        sqrt(nullif(nearest, {{ nowhere }})) as distance
    from compared
{%- endmacro %}
